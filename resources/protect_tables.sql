-- Made by `make docs` from the tags in lib/personalake/tables/; changes here are lost.
-- The job `protect_tables` of the bundle does the same, and needs no warehouse; run it after each release. Or run this in a
-- SQL warehouse after the tables are there, with the parameter `catalog`:
-- who is in `personalake_full` (the account of the jobs must be) sees every column, who is in `personalake_analysts` sees
-- masked ones, and nobody else sees any.
USE CATALOG IDENTIFIER(:catalog);

CREATE SCHEMA IF NOT EXISTS bronze;
GRANT USE SCHEMA, SELECT, EXECUTE ON SCHEMA bronze TO `personalake_full`;
CREATE SCHEMA IF NOT EXISTS silver;
GRANT USE SCHEMA, SELECT, EXECUTE ON SCHEMA silver TO `personalake_full`;
CREATE SCHEMA IF NOT EXISTS gold;
GRANT USE SCHEMA, SELECT, EXECUTE ON SCHEMA gold TO `personalake_full`;
GRANT USE SCHEMA, EXECUTE ON SCHEMA gold TO `personalake_analysts`;
GRANT USE SCHEMA ON SCHEMA silver TO `personalake_analysts`;
REVOKE ALL PRIVILEGES ON SCHEMA bronze FROM `personalake_analysts`;
CREATE OR REPLACE FUNCTION gold.mask_day(value string) RETURNS string
  RETURN CASE WHEN is_account_group_member('personalake_full') THEN value ELSE nullif(regexp_extract(value, '(^|[^0-9])((19|20)[0-9][0-9])([^0-9]|$)', 2), '') END;
CREATE OR REPLACE FUNCTION gold.mask_map_string_string(value map<string,string>) RETURNS map<string,string>
  RETURN CASE WHEN is_account_group_member('personalake_full') THEN value ELSE CAST(NULL AS map<string,string>) END;
CREATE OR REPLACE FUNCTION gold.mask_text(value string) RETURNS string
  RETURN CASE WHEN is_account_group_member('personalake_full') THEN value ELSE CASE WHEN value IS NULL THEN NULL ELSE '***' END END;

-- bronze.event: One event as it arrived, by Kafka or file
ALTER TABLE bronze.event ALTER COLUMN payload SET MASK gold.mask_text;

-- bronze.record: One record (customer, catalog item, consent, campaign response) as it arrived
ALTER TABLE bronze.record ALTER COLUMN payload SET MASK gold.mask_text;

-- bronze.landing_file: One landing file that was checked, and the verdict

-- bronze.database_read: One step of one read of a database source: planned before its rows are written, done after

-- bronze.data_key: One key under which raw payloads of one person are encrypted, itself encrypted; gone once the person is erased

-- silver.event: One event; an order line is one event
ALTER TABLE silver.event ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.event TO `personalake_analysts`;

-- silver.order_line: One line of one order
ALTER TABLE silver.order_line ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.order_line TO `personalake_analysts`;

-- silver.customer_record: One version of one customer as a source knows it
ALTER TABLE silver.customer_record ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN gender SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN first_name SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN last_name SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN birth_date SET MASK gold.mask_day;
ALTER TABLE silver.customer_record ALTER COLUMN street SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN postcode SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN city SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN email SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN phone SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN login SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN loyalty_id SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN device_id SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN cookie_id SET MASK gold.mask_text;
ALTER TABLE silver.customer_record ALTER COLUMN attributes SET MASK gold.mask_map_string_string;
GRANT SELECT ON TABLE silver.customer_record TO `personalake_analysts`;

-- silver.catalog_item: One version of one product
GRANT SELECT ON TABLE silver.catalog_item TO `personalake_analysts`;

-- silver.consent: One answer about one purpose; append-only ledger
ALTER TABLE silver.consent ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.consent TO `personalake_analysts`;

-- silver.campaign_response: One reaction of a customer to a campaign, e.g. a redeemed coupon
ALTER TABLE silver.campaign_response ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.campaign_response TO `personalake_analysts`;

-- silver.quarantine: One refused row, with its payload and all its reasons
ALTER TABLE silver.quarantine ALTER COLUMN payload SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.quarantine TO `personalake_analysts`;

-- silver.duplicate: One row that was dropped because its event or record was known already
GRANT SELECT ON TABLE silver.duplicate TO `personalake_analysts`;

-- silver.person_link: One identifier and the person it belongs to
ALTER TABLE silver.person_link ALTER COLUMN value SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.person_link TO `personalake_analysts`;

-- silver.consent_current: What one person says about one purpose, by the latest run's own moment
GRANT SELECT ON TABLE silver.consent_current TO `personalake_analysts`;

-- silver.interaction: One step of a visit to the web shop or the app
ALTER TABLE silver.interaction ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.interaction ALTER COLUMN cookie_id SET MASK gold.mask_text;
ALTER TABLE silver.interaction ALTER COLUMN device_id SET MASK gold.mask_text;
ALTER TABLE silver.interaction ALTER COLUMN search_term SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.interaction TO `personalake_analysts`;

-- silver.email_engagement: One thing that happened to one message
ALTER TABLE silver.email_engagement ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.email_engagement TO `personalake_analysts`;

-- silver.experiment_exposure: One visitor seeing one variant of an experiment
ALTER TABLE silver.experiment_exposure ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.experiment_exposure ALTER COLUMN cookie_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.experiment_exposure TO `personalake_analysts`;

-- silver.support_ticket: One request to the help desk
ALTER TABLE silver.support_ticket ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.support_ticket ALTER COLUMN phone SET MASK gold.mask_text;
ALTER TABLE silver.support_ticket ALTER COLUMN text SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.support_ticket TO `personalake_analysts`;

-- silver.survey_answer: One answer to one survey
ALTER TABLE silver.survey_answer ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.survey_answer ALTER COLUMN text SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.survey_answer TO `personalake_analysts`;

-- silver.social_mention: One post on a social network that mentions the shop
ALTER TABLE silver.social_mention ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.social_mention ALTER COLUMN handle SET MASK gold.mask_text;
ALTER TABLE silver.social_mention ALTER COLUMN text SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.social_mention TO `personalake_analysts`;

-- silver.third_party_attribute: One attribute of one person as a data provider tells it
ALTER TABLE silver.third_party_attribute ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.third_party_attribute TO `personalake_analysts`;

-- silver.campaign_spend: What one campaign cost on one day
GRANT SELECT ON TABLE silver.campaign_spend TO `personalake_analysts`;

-- silver.delivery_receipt: One thing that a destination reports of one message
ALTER TABLE silver.delivery_receipt ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.delivery_receipt ALTER COLUMN address SET MASK gold.mask_text;
ALTER TABLE silver.delivery_receipt ALTER COLUMN reason SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.delivery_receipt TO `personalake_analysts`;

-- silver.suppression: One reason why one identifier or person must not be reached, over one channel or all
GRANT SELECT ON TABLE silver.suppression TO `personalake_analysts`;

-- gold.decision_response: One sign that a message which a decision asked for has reached the person, and what that is worth
GRANT SELECT ON TABLE gold.decision_response TO `personalake_analysts`;

-- silver.preference: One wish that one person stated, changed or took back; append-only
ALTER TABLE silver.preference ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.preference TO `personalake_analysts`;

-- gold.privacy_budget: One publication of noisy counts, and what it cost; append-only, what is spent stays spent
GRANT SELECT ON TABLE gold.privacy_budget TO `personalake_analysts`;

-- gold.published_count: One published cell: how many persons, with noise; small cells are left out
GRANT SELECT ON TABLE gold.published_count TO `personalake_analysts`;

-- silver.person_change: Identifiers that moved from one person to another at once; append-only log
GRANT SELECT ON TABLE silver.person_change TO `personalake_analysts`;

-- silver.person: One person's golden record: the best value of each detail, and where it is from
ALTER TABLE silver.person ALTER COLUMN first_name SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN last_name SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN birth_date SET MASK gold.mask_day;
ALTER TABLE silver.person ALTER COLUMN street SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN postcode SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN city SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN email SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN phone SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN login SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN loyalty_id SET MASK gold.mask_text;
ALTER TABLE silver.person ALTER COLUMN provenance SET MASK gold.mask_map_string_string;
GRANT SELECT ON TABLE silver.person TO `personalake_analysts`;

-- silver.match_record: One customer record as it is compared with others: standardised, with its blocking keys
ALTER TABLE silver.match_record ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN first_name SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN last_name SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN birth_date SET MASK gold.mask_day;
ALTER TABLE silver.match_record ALTER COLUMN postcode SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN street SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN city SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN login SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN loyalty_id SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN email SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN phone SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN device_id SET MASK gold.mask_text;
ALTER TABLE silver.match_record ALTER COLUMN cookie_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.match_record TO `personalake_analysts`;

-- silver.match_edge: Two records that were compared, and how likely they are one person's; pairs below the threshold are not kept
GRANT SELECT ON TABLE silver.match_edge TO `personalake_analysts`;

-- silver.match_model: One trained match model; the latest row serves
GRANT SELECT ON TABLE silver.match_model TO `personalake_analysts`;

-- silver.identity_guard: One thing that a guard refused in the latest resolution
ALTER TABLE silver.identity_guard ALTER COLUMN value SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.identity_guard TO `personalake_analysts`;

-- silver.resolution: One run that grouped records by person; append-only log
GRANT SELECT ON TABLE silver.resolution TO `personalake_analysts`;

-- gold.customer_feature: One person as known at one as-of
GRANT SELECT ON TABLE gold.customer_feature TO `personalake_analysts`;

-- gold.feature_snapshot: One building of the features of one as-of; the latest counts
GRANT SELECT ON TABLE gold.feature_snapshot TO `personalake_analysts`;

-- gold.customer_profile: One person as known now
ALTER TABLE gold.customer_profile ALTER COLUMN customer_id SET MASK gold.mask_text;
ALTER TABLE gold.customer_profile ALTER COLUMN preferences SET MASK gold.mask_map_string_string;
ALTER TABLE gold.customer_profile ALTER COLUMN third_party SET MASK gold.mask_map_string_string;
ALTER TABLE gold.customer_profile ALTER COLUMN provenance SET MASK gold.mask_map_string_string;
GRANT SELECT ON TABLE gold.customer_profile TO `personalake_analysts`;

-- gold.segment_membership: One person's segment in one scheme at one as-of
GRANT SELECT ON TABLE gold.segment_membership TO `personalake_analysts`;

-- gold.segment_summary: One segment at one as-of
GRANT SELECT ON TABLE gold.segment_summary TO `personalake_analysts`;

-- gold.prediction: One person's score by one model at one as-of
GRANT SELECT ON TABLE gold.prediction TO `personalake_analysts`;

-- gold.recommendation: One ranked item for one person and slot at one as-of
GRANT SELECT ON TABLE gold.recommendation TO `personalake_analysts`;

-- gold.decision: One decision for one person at one as-of
GRANT SELECT ON TABLE gold.decision TO `personalake_analysts`;

-- gold.activation_outbox: One planned delivery to one destination; insert-only
ALTER TABLE gold.activation_outbox ALTER COLUMN payload SET MASK gold.mask_text;
ALTER TABLE gold.activation_outbox ALTER COLUMN sync_key SET MASK gold.mask_text;
GRANT SELECT ON TABLE gold.activation_outbox TO `personalake_analysts`;

-- gold.activation_plan: One change of state of one plan; append-only, the last row is the state
GRANT SELECT ON TABLE gold.activation_plan TO `personalake_analysts`;

-- gold.activation_log: One change of state of one delivery; append-only, the last row is the state
GRANT SELECT ON TABLE gold.activation_log TO `personalake_analysts`;

-- gold.data_health: One micro-batch of one source in one job: in = accepted + quarantined + duplicates
GRANT SELECT ON TABLE gold.data_health TO `personalake_analysts`;

-- gold.model_health: One metric of one candidate of one model at one training cut
GRANT SELECT ON TABLE gold.model_health TO `personalake_analysts`;

-- gold.run: One run of one job
GRANT SELECT ON TABLE gold.run TO `personalake_analysts`;

-- gold.activation_basis: What a plan of one sync made of one person; the last row counts while nothing that it was made of changes
ALTER TABLE gold.activation_basis ALTER COLUMN sync_key SET MASK gold.mask_text;
GRANT SELECT ON TABLE gold.activation_basis TO `personalake_analysts`;

-- gold.customer_journey: One touchpoint of one person, in order; a journey ends with a purchase, or in silence
GRANT SELECT ON TABLE gold.customer_journey TO `personalake_analysts`;

-- gold.journey_path: One beginning of journeys at one as-of, taken by several; journeys = went on + bought + dropped + open
GRANT SELECT ON TABLE gold.journey_path TO `personalake_analysts`;

-- gold.customer_profile_history: One value of one attribute of one person while it held; no row while it was unknown
GRANT SELECT ON TABLE gold.customer_profile_history TO `personalake_analysts`;

-- gold.dataset_verdict: One check of one table at one as-of; the newest counts
GRANT SELECT ON TABLE gold.dataset_verdict TO `personalake_analysts`;

-- gold.quality_mark: One thing that was found or done by conf/quality.yml about one column of one person's row at one as-of
GRANT SELECT ON TABLE gold.quality_mark TO `personalake_analysts`;

-- gold.source_audit: One source as an audit found it; the newest row of a source counts, and one is added when something changed
GRANT SELECT ON TABLE gold.source_audit TO `personalake_analysts`;

-- silver.product_offer: One version of the price and the stock of one product
GRANT SELECT ON TABLE silver.product_offer TO `personalake_analysts`;

-- silver.weather: What was measured in one region in one hour
GRANT SELECT ON TABLE silver.weather TO `personalake_analysts`;

-- gold.offer_history: One span of time in which price and stock of one product stayed as they were; the last one is open
GRANT SELECT ON TABLE gold.offer_history TO `personalake_analysts`;

-- gold.visit_context: One region, hour and kind of device, with who came by and the weather outside
GRANT SELECT ON TABLE gold.visit_context TO `personalake_analysts`;

-- gold.region_figure: One figure about a group of people of one region, as it was shared; of an as-of, what was shared last counts
GRANT SELECT ON TABLE gold.region_figure TO `personalake_analysts`;

-- silver.erasure_request: One request to be forgotten as it came; the row goes with the person
ALTER TABLE silver.erasure_request ALTER COLUMN customer_id SET MASK gold.mask_text;
GRANT SELECT ON TABLE silver.erasure_request TO `personalake_analysts`;

-- gold.erasure_request: One change of state of one request to be forgotten; append-only, the last row is the state
GRANT SELECT ON TABLE gold.erasure_request TO `personalake_analysts`;

-- gold.erasure_receipt: What was done about one request in one place: a table, a folder of files, a store, a destination
GRANT SELECT ON TABLE gold.erasure_receipt TO `personalake_analysts`;

-- gold.access_log: One time that somebody looked at or exported what is held about persons, or asked tables; append-only
GRANT SELECT ON TABLE gold.access_log TO `personalake_analysts`;

-- gold.retention_receipt: Rows beyond their retention in one table, told before a run removes them and once they are gone; append-only
GRANT SELECT ON TABLE gold.retention_receipt TO `personalake_analysts`;
